with

telling_partners as (

    select * from {{ ref('int_account_mapping__telling_partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

unit_links as (

    select * from {{ ref('int_account_mapping__unit_links') }}
    where rollup = 'account'

),

-- every account that the partner is given keys of has this one
offered_accounts as (

    select * from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type = 'account'

),

account_deals as (

    select * from {{ ref('int_account_mapping__account_deals') }}

),

best_statuses as (

    select
        unit_links.partner_id,
        unit_links.our_unit_id as account_id,
        min(members.status_rank) as status_rank

    from unit_links
    inner join members
        on
            members.side = 'partner'
            and unit_links.partner_id = members.scope
            and unit_links.partner_unit_id = members.account_id
    group by unit_links.partner_id, unit_links.our_unit_id

),

-- accounts that have anything to add up
our_members as (

    select
        members.scope,
        members.account_id

    from members
    left join account_deals
        on members.account_id = account_deals.account_id
    where
        members.side = 'ours'
        and (account_deals.account_id is not null or members.open_amount <> 0)

),

linked as (

    select
        telling_partners.partner_id,
        best_statuses.account_id,
        case best_statuses.status_rank
            when 1 then 'customer'
            when 5 then 'unknown'
            else 'other'
        end as standing

    from telling_partners
    inner join best_statuses
        on telling_partners.partner_id = best_statuses.partner_id
    inner join our_members
        on
            telling_partners.account_scope = our_members.scope
            and best_statuses.account_id = our_members.account_id

),

-- what was not offered to a partner that exchanges hashes cannot be found
offered as (

    select
        telling_partners.partner_id,
        offered_accounts.account_id

    from telling_partners
    inner join offered_accounts
        on telling_partners.partner_id = offered_accounts.partner_id
    inner join our_members
        on
            telling_partners.account_scope = our_members.scope
            and offered_accounts.account_id = our_members.account_id
    where telling_partners.exchange <> 'list'

),

hashed_partners as (

    select count(*) as n_partners
    from telling_partners
    where exchange <> 'list'

),

offers as (

    select
        account_id,
        count(*) as n_partners

    from offered
    group by account_id

),

best_standings as (

    select
        account_id,
        max(case when standing = 'customer' then 1 else 0 end) as is_customer,
        max(case when standing = 'unknown' then 1 else 0 end) as is_unknown

    from linked
    group by account_id

),

over_all_partners as (

    select
        'all' as partner_id,
        our_members.account_id,
        case
            when best_standings.is_customer = 1 then 'customer'
            when best_standings.is_unknown = 1 then 'unknown'
            when coalesce(offers.n_partners, 0) < hashed_partners.n_partners then 'unknown'
            else 'other'
        end as standing

    from our_members
    cross join hashed_partners
    left join best_standings
        on our_members.account_id = best_standings.account_id
    left join offers
        on our_members.account_id = offers.account_id
    where
        our_members.scope = '*'
        and exists (select 1 from telling_partners)

),

final as (

    select * from linked
    where standing <> 'other'

    union all

    select
        offered.partner_id,
        offered.account_id,
        'other' as standing

    from offered
    left join linked
        on
            offered.partner_id = linked.partner_id
            and offered.account_id = linked.account_id
            and linked.standing <> 'other'
    where linked.account_id is null

    union all

    select * from over_all_partners

)

select * from final
