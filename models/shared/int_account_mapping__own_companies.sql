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

-- an account whose status may not be counted is not there, as if the CRM did not have it
counted_accounts as (

    select
        partners.partner_id,
        members.account_id,
        members.unit_id,
        members.status_rank

    from partners
    inner join members
        on partners.account_scope = members.scope
    inner join counted_statuses
        on
            partners.partner_id = counted_statuses.partner_id
            and members.status = counted_statuses.our_status
    left join offered_accounts
        on
            partners.partner_id = offered_accounts.partner_id
            and members.account_id = offered_accounts.account_id
    where
        partners.exchange = 'list'
        or offered_accounts.account_id is not null

),

-- which records are one company our own keys and hierarchy tell: no row of a partner joins or splits two
company_accounts as (

    select
        counted_accounts.partner_id,
        'account' as rollup,
        counted_accounts.account_id,
        coalesce(duplicates.group_id, counted_accounts.account_id) as company_id,
        counted_accounts.status_rank

    from counted_accounts
    left join duplicates
        on counted_accounts.account_id = duplicates.node

    union all

    select
        counted_accounts.partner_id,
        'parent' as rollup,
        counted_accounts.account_id,
        coalesce(families.group_id, counted_accounts.unit_id) as company_id,
        counted_accounts.status_rank

    from counted_accounts
    left join families
        on counted_accounts.unit_id = families.node

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

companies as (

    select
        company_accounts.partner_id,
        company_accounts.rollup,
        company_accounts.company_id,
        min(company_accounts.status_rank) as our_status_rank,
        min(account_links.partner_status_rank) as partner_status_rank

    from company_accounts
    left join account_links
        on
            company_accounts.partner_id = account_links.partner_id
            and company_accounts.rollup = account_links.rollup
            and company_accounts.account_id = account_links.account_id
    group by company_accounts.partner_id, company_accounts.rollup, company_accounts.company_id

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
