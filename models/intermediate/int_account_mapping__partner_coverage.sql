with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

units as (

    select * from {{ ref('int_account_mapping__units') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}

),

unit_links as (

    select * from {{ ref('int_account_mapping__unit_links') }}

),

account_keys as (

    select account_id from {{ ref('int_account_mapping__account_keys') }}
    where side = 'ours'

    union

    select account_id from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type <> 'account'

),

-- every account that the partner is given keys of has this one
offered_accounts as (

    select * from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type = 'account'

),

target_accounts as (

    select * from {{ ref('int_account_mapping__target_accounts') }}

),

rollups as (

    select 'account' as rollup
    union all
    select 'parent' as rollup

),

unit_members as (

    select
        members.scope,
        rollups.rollup,
        case when rollups.rollup = 'account' then members.account_id else members.unit_id end as unit_id,
        members.account_id

    from members
    cross join rollups
    where members.side = 'ours'

),

target_lists as (

    select distinct
        list_name as target_list,
        account_id

    from target_accounts
    where account_id is not null

),

-- `all` and every target list that names a member
unit_lists as (

    select
        scope,
        rollup,
        unit_id,
        'all' as target_list

    from units
    where side = 'ours'

    union all

    select distinct
        unit_members.scope,
        unit_members.rollup,
        unit_members.unit_id,
        target_lists.target_list

    from unit_members
    inner join target_lists
        on unit_members.account_id = target_lists.account_id

),

keyed_units as (

    select distinct
        unit_members.scope,
        unit_members.rollup,
        unit_members.unit_id

    from unit_members
    inner join account_keys
        on unit_members.account_id = account_keys.account_id

),

offered_units as (

    select distinct
        offered_accounts.partner_id,
        unit_members.rollup,
        unit_members.unit_id

    from offered_accounts
    inner join partners
        on offered_accounts.partner_id = partners.partner_id
    inner join unit_members
        on
            partners.account_scope = unit_members.scope
            and offered_accounts.account_id = unit_members.account_id

),

-- what links say of a unit, best first: covered, only its family covered, awaiting a person
touched as (

    select
        partner_id,
        rollup,
        our_unit_id as unit_id,
        1 as state

    from unit_links

    union all

    select
        links.partner_id,
        rollups.rollup,
        case when rollups.rollup = 'account' then links.account_id else links.our_unit_id end as unit_id,
        case when links.decision = 'accepted' then 2 else 3 end as state

    from links
    cross join rollups
    where links.decision in ('accepted', 'review')

),

touched_units as (

    select
        partner_id,
        rollup,
        unit_id,
        min(state) as state

    from touched
    group by partner_id, rollup, unit_id

),

covered_members as (

    select distinct
        unit_links.partner_id,
        unit_links.rollup,
        unit_links.our_unit_id as unit_id,
        unit_members.account_id

    from unit_links
    inner join unit_members
        on
            unit_links.account_scope = unit_members.scope
            and unit_links.rollup = unit_members.rollup
            and unit_links.our_unit_id = unit_members.unit_id

),

covering_partners as (

    select
        rollup,
        account_id,
        count(distinct partner_id) as covering_partners

    from covered_members
    group by rollup, account_id

),

-- a unit is unique to a partner when no member lies in a unit that another partner covers
unique_units as (

    select
        covered_members.partner_id,
        covered_members.rollup,
        covered_members.unit_id

    from covered_members
    inner join covering_partners
        on
            covered_members.rollup = covering_partners.rollup
            and covered_members.account_id = covering_partners.account_id
    group by covered_members.partner_id, covered_members.rollup, covered_members.unit_id
    having max(covering_partners.covering_partners) = 1

),

unit_states as (

    select
        partners.partner_id,
        units.rollup,
        units.status_rank,
        unit_lists.target_list,
        coalesce(
            touched_units.state,
            case
                when partners.exchange <> 'list' and offered_units.unit_id is null then 4
                when keyed_units.unit_id is null then 5
                else 6
            end
        ) as state,
        case when unique_units.unit_id is not null then 1 else 0 end as is_unique

    from partners
    inner join units
        on
            units.side = 'ours'
            and partners.account_scope = units.scope
    inner join unit_lists
        on
            units.scope = unit_lists.scope
            and units.rollup = unit_lists.rollup
            and units.unit_id = unit_lists.unit_id
    left join touched_units
        on
            partners.partner_id = touched_units.partner_id
            and units.rollup = touched_units.rollup
            and units.unit_id = touched_units.unit_id
    left join unique_units
        on
            partners.partner_id = unique_units.partner_id
            and units.rollup = unique_units.rollup
            and units.unit_id = unique_units.unit_id
    left join offered_units
        on
            partners.partner_id = offered_units.partner_id
            and units.rollup = offered_units.rollup
            and units.unit_id = offered_units.unit_id
    left join keyed_units
        on
            units.scope = keyed_units.scope
            and units.rollup = keyed_units.rollup
            and units.unit_id = keyed_units.unit_id

),

counted_by_status as (

    select
        partner_id,
        rollup,
        target_list,
        status_rank,
        count(*) as our_accounts,
        sum(case when state = 1 then 1 else 0 end) as covered_accounts,
        sum(is_unique) as unique_accounts,
        sum(case when state = 2 then 1 else 0 end) as unmatched_family_only,
        sum(case when state = 3 then 1 else 0 end) as unmatched_in_review,
        sum(case when state = 4 then 1 else 0 end) as unmatched_not_offered,
        sum(case when state = 5 then 1 else 0 end) as unmatched_without_key,
        sum(case when state = 6 then 1 else 0 end) as unmatched_not_found

    from unit_states
    group by partner_id, rollup, target_list, status_rank

),

-- rank 0 stands for all statuses
counted as (

    select * from counted_by_status

    union all

    select
        partner_id,
        rollup,
        target_list,
        0 as status_rank,
        sum(our_accounts) as our_accounts,
        sum(covered_accounts) as covered_accounts,
        sum(unique_accounts) as unique_accounts,
        sum(unmatched_family_only) as unmatched_family_only,
        sum(unmatched_in_review) as unmatched_in_review,
        sum(unmatched_not_offered) as unmatched_not_offered,
        sum(unmatched_without_key) as unmatched_without_key,
        sum(unmatched_not_found) as unmatched_not_found

    from counted_by_status
    group by partner_id, rollup, target_list

),

listed_links as (

    select
        unit_links.partner_id,
        unit_links.rollup,
        unit_links.partner_unit_id,
        unit_lists.target_list,
        units.status_rank

    from unit_links
    inner join units
        on
            units.side = 'ours'
            and unit_links.account_scope = units.scope
            and unit_links.rollup = units.rollup
            and unit_links.our_unit_id = units.unit_id
    inner join unit_lists
        on
            unit_links.account_scope = unit_lists.scope
            and unit_links.rollup = unit_lists.rollup
            and unit_links.our_unit_id = unit_lists.unit_id

),

matched as (

    select
        partner_id,
        rollup,
        target_list,
        status_rank,
        count(distinct partner_unit_id) as matched_partner_accounts

    from listed_links
    group by partner_id, rollup, target_list, status_rank

    union all

    select
        partner_id,
        rollup,
        target_list,
        0 as status_rank,
        count(distinct partner_unit_id) as matched_partner_accounts

    from listed_links
    group by partner_id, rollup, target_list

),

partner_units as (

    select
        scope as partner_id,
        rollup,
        count(*) as partner_accounts

    from units
    where side = 'partner'
    group by scope, rollup

),

list_names as (

    select
        list_name as target_list,
        sum(case when named_accounts = 0 then 1 else 0 end) as targets_without_account

    from (
        select
            list_name,
            target_account_id,
            target_domain,
            count(account_id) as named_accounts

        from target_accounts
        group by list_name, target_account_id, target_domain
    ) as targets
    group by list_name

    union all

    select
        'all' as target_list,
        0 as targets_without_account

),

statuses as (

    select distinct
        scope,
        status_rank

    from units
    where
        side = 'ours'
        and rollup = 'account'

    union all

    select distinct
        account_scope as scope,
        0 as status_rank

    from partners

),

final as (

    select
        partners.partner_id,
        rollups.rollup,
        coalesce({{ account_mapping.status_of_rank('statuses.status_rank') }}, 'all') as our_status,
        list_names.target_list,
        cast(coalesce(counted.our_accounts, 0) as bigint) as our_accounts,
        cast(coalesce(counted.covered_accounts, 0) as bigint) as covered_accounts,
        round(
            cast(counted.covered_accounts as double) / nullif(counted.our_accounts, 0), 4
        ) as coverage_rate,
        cast(coalesce(partner_units.partner_accounts, 0) as bigint) as partner_accounts,
        cast(coalesce(matched.matched_partner_accounts, 0) as bigint) as matched_partner_accounts,
        round(
            cast(coalesce(matched.matched_partner_accounts, 0) as double)
            / nullif(partner_units.partner_accounts, 0), 4
        ) as partner_match_rate,
        cast(coalesce(counted.unique_accounts, 0) as bigint) as unique_accounts,
        {% for reason in ['family_only', 'in_review', 'not_offered', 'without_key', 'not_found'] -%}
        cast(coalesce(counted.unmatched_{{ reason }}, 0) as bigint) as unmatched_{{ reason }},
        {% endfor -%}
        cast(list_names.targets_without_account as bigint) as targets_without_account,
        cast({{ dbt.datediff(
            'partners.last_updated_at', account_mapping.as_of(), 'day'
        ) }} as bigint) as list_age_days

    from partners
    inner join statuses
        on partners.account_scope = statuses.scope
    cross join rollups
    cross join list_names
    left join counted
        on
            partners.partner_id = counted.partner_id
            and rollups.rollup = counted.rollup
            and list_names.target_list = counted.target_list
            and statuses.status_rank = counted.status_rank
    left join matched
        on
            partners.partner_id = matched.partner_id
            and rollups.rollup = matched.rollup
            and list_names.target_list = matched.target_list
            and statuses.status_rank = matched.status_rank
    left join partner_units
        on
            partners.partner_id = partner_units.partner_id
            and rollups.rollup = partner_units.rollup

)

select * from final
