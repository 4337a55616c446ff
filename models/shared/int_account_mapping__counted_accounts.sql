with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

offered_accounts as (

    select * from {{ ref('int_account_mapping__offered_accounts') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

counted_cells as (

    select * from {{ ref('int_account_mapping__counted_cells') }}

),

our_statuses as (

    select distinct
        partner_id,
        our_status

    from counted_cells

),

partner_statuses as (

    select distinct
        partner_id,
        partner_status

    from counted_cells

),

ours as (

    select
        partners.partner_id,
        'ours' as side,
        members.account_id,
        members.status as account_status

    from partners
    inner join members
        on
            members.side = 'ours'
            and partners.account_scope = members.scope
    inner join our_statuses
        on
            partners.partner_id = our_statuses.partner_id
            and members.status = our_statuses.our_status
    left join offered_accounts
        on
            partners.partner_id = offered_accounts.partner_id
            and members.account_id = offered_accounts.account_id
    where
        partners.exchange = 'list'
        or offered_accounts.account_id is not null

),

theirs as (

    select
        partners.partner_id,
        'partner' as side,
        members.account_id,
        members.status as account_status

    from partners
    inner join members
        on
            members.side = 'partner'
            and partners.partner_id = members.scope
    inner join partner_statuses
        on
            partners.partner_id = partner_statuses.partner_id
            and members.status = partner_statuses.partner_status
    -- tokens are other ones in each epoch: of such a partner's accounts only the links can be compared
    where partners.exchange = 'list'

),

-- what our account is linked with, in words that hold in every epoch
linked as (

    select
        links.partner_id,
        'links' as side,
        links.account_id,
        cast(count(*) as {{ dbt.type_string() }}) || ': '
        || {{ account_mapping.list_text("members.status || ' ' || links.relationship") }} as account_status

    from links
    inner join ours
        on
            links.partner_id = ours.partner_id
            and links.account_id = ours.account_id
    inner join members
        on
            members.side = 'partner'
            and links.partner_id = members.scope
            and links.partner_account_id = members.account_id
    group by links.partner_id, links.account_id

),

counted as (

    select * from ours
    union all
    select * from theirs
    union all
    select * from linked

),

final as (

    select
        counted.partner_id,
        coalesce(partners.agreement_id, '') as agreement_id,
        coalesce(partners.epoch, '') as epoch,
        counted.side,
        counted.account_id,
        counted.account_status

    from counted
    inner join partners
        on counted.partner_id = partners.partner_id

)

select * from final
