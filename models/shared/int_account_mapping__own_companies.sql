with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'ours'

),

offered_accounts as (

    select * from {{ ref('int_account_mapping__offered_accounts') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

duplicates as (

    select * from {{ ref('int_account_mapping__groups') }}
    where grouping_key = 'duplicates'

),

families as (

    select * from {{ ref('int_account_mapping__groups') }}
    where grouping_key = 'families'

),

counted_statuses as (

    select distinct
        partner_id,
        our_status

    from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'out'
        and sharing_level <> 'hidden'

),

-- which records are one company our own keys and hierarchy tell: no row of a partner joins or splits two
member_companies as (

    select
        members.scope,
        'account' as rollup,
        members.account_id,
        members.status,
        members.status_rank,
        coalesce(duplicates.group_id, members.account_id) as company_id

    from members
    left join duplicates
        on members.account_id = duplicates.node

    union all

    select
        members.scope,
        'parent' as rollup,
        members.account_id,
        members.status,
        members.status_rank,
        coalesce(families.group_id, members.unit_id) as company_id

    from members
    left join families
        on members.unit_id = families.node

),

-- most companies have one record, and need not be gathered for each partner, which takes memory
sized_companies as (

    select
        *,
        count(*) over (partition by scope, rollup, company_id) = 1 as is_alone

    from member_companies

),

-- who sends keys is told of those only whose keys are offered
known_accounts as (

    select
        partners.partner_id,
        sized_companies.rollup,
        sized_companies.account_id,
        sized_companies.status,
        sized_companies.status_rank,
        sized_companies.company_id,
        sized_companies.is_alone

    from partners
    inner join sized_companies
        on partners.account_scope = sized_companies.scope
    where partners.exchange = 'list'

    union all

    select
        partners.partner_id,
        sized_companies.rollup,
        sized_companies.account_id,
        sized_companies.status,
        sized_companies.status_rank,
        sized_companies.company_id,
        sized_companies.is_alone

    from offered_accounts
    inner join partners
        on offered_accounts.partner_id = partners.partner_id
    inner join sized_companies
        on
            partners.account_scope = sized_companies.scope
            and offered_accounts.account_id = sized_companies.account_id
    where partners.exchange <> 'list'

),

-- records are linked where they are the same company, families by every accepted relationship
account_links as (

    select
        partner_id,
        'account' as rollup,
        account_id,
        min(partner_status_rank) as partner_status_rank

    from links
    where relationship = 'same'
    group by partner_id, account_id

    union all

    select
        partner_id,
        'parent' as rollup,
        account_id,
        min(partner_unit_status_rank) as partner_status_rank

    from links
    group by partner_id, account_id

),

-- an account whose status may not be counted is not there, as if the CRM did not have it
counted_accounts as (

    select
        known_accounts.partner_id,
        known_accounts.rollup,
        known_accounts.company_id,
        known_accounts.is_alone,
        known_accounts.status_rank as our_status_rank,
        account_links.partner_status_rank

    from known_accounts
    inner join counted_statuses
        on
            known_accounts.partner_id = counted_statuses.partner_id
            and known_accounts.status = counted_statuses.our_status
    left join account_links
        on
            known_accounts.partner_id = account_links.partner_id
            and known_accounts.rollup = account_links.rollup
            and known_accounts.account_id = account_links.account_id

),

companies as (

    select
        partner_id,
        rollup,
        company_id,
        our_status_rank,
        partner_status_rank

    from counted_accounts
    where is_alone

    union all

    select
        partner_id,
        rollup,
        company_id,
        min(our_status_rank) as our_status_rank,
        min(partner_status_rank) as partner_status_rank

    from counted_accounts
    where not is_alone
    group by partner_id, rollup, company_id

),

final as (

    select
        partner_id,
        rollup,
        company_id,
        {{ account_mapping.status_of_rank('our_status_rank') }} as our_status,
        case
            when partner_status_rank is not null then {{ account_mapping.status_of_rank('partner_status_rank') }}
        end as partner_status

    from companies

)

select * from final
