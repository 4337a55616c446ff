{%- set reasons = ['family_only', 'in_review', 'not_offered', 'without_key', 'not_found'] -%}
{%- set measures = [
    'our_accounts', 'covered_accounts', 'unique_accounts', 'open_amount', 'covered_amount', 'unique_amount',
    'lone_links', 'unmatched_family_only', 'unmatched_in_review', 'unmatched_not_offered', 'unmatched_without_key',
    'unmatched_not_found',
] -%}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'ours'

),

units as (

    select * from {{ ref('int_account_mapping__units') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}

),

company_links as (

    select * from {{ ref('int_account_mapping__company_links') }}

),

covered_units as {{ account_mapping.materialized() }} (

    {{ account_mapping.covered_units('company_links') | indent(4) }}

),

-- every account that the partner is given keys of has this one
offered_accounts as (

    select * from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type = 'account'

),

target_accounts as (

    select * from {{ ref('int_account_mapping__target_accounts') }}

),

our_units as (

    select * from {{ ref('int_account_mapping__our_units') }}

),

unit_lists as (

    select distinct lists from our_units

),

target_lists as (

    select distinct list_name from target_accounts
    where list_name <> 'all'

),

-- which lists each text of lists names, `all` included
list_sets as (

    select
        lists,
        'all' as target_list

    from unit_lists

    union all

    select
        unit_lists.lists,
        target_lists.list_name as target_list

    from unit_lists
    inner join target_lists
        on {{ dbt.position(
            "' | ' || replace(target_lists.list_name, '|', '||') || ' | '", "' | ' || unit_lists.lists || ' | '"
        ) }} > 0

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

),

-- links that cover nothing under a rollup: only the family is covered, or the pair awaits a person
weaker as (

    select
        partner_id,
        'account' as rollup,
        account_scope,
        account_id as unit_id,
        case when decision = 'accepted' then 2 else 3 end as state

    from links
    where
        decision = 'review'
        or (decision = 'accepted' and relationship <> 'same')

    union all

    select
        partner_id,
        'parent' as rollup,
        account_scope,
        our_unit_id as unit_id,
        3 as state

    from links
    where decision = 'review'

),

weaker_units as (

    select
        weaker.partner_id,
        weaker.rollup,
        weaker.account_scope,
        weaker.unit_id,
        min(weaker.state) as state

    from weaker
    left join covered_units
        on
            weaker.partner_id = covered_units.partner_id
            and weaker.rollup = covered_units.rollup
            and weaker.unit_id = covered_units.unit_id
    where covered_units.unit_id is null
    group by weaker.partner_id, weaker.rollup, weaker.account_scope, weaker.unit_id

),

offered_units as (

    select distinct
        offered_accounts.partner_id,
        unit_members.rollup,
        unit_members.scope as account_scope,
        unit_members.unit_id

    from offered_accounts
    inner join partners
        on offered_accounts.partner_id = partners.partner_id
    inner join unit_members
        on
            partners.account_scope = unit_members.scope
            and offered_accounts.account_id = unit_members.account_id

),

-- what is known of a unit: covered, its family is, a pair awaits a person, or nothing but that it was offered. Units of
-- which nothing is known are not listed, as they are most: they are what is left
unit_states as (

    select
        partner_id,
        rollup,
        account_scope,
        unit_id,
        1 as state,
        case when is_lone then 1 else 0 end as is_lone

    from covered_units

    union all

    select
        partner_id,
        rollup,
        account_scope,
        unit_id,
        state,
        0 as is_lone

    from weaker_units

    union all

    select
        offered_units.partner_id,
        offered_units.rollup,
        offered_units.account_scope,
        offered_units.unit_id,
        4 as state,
        0 as is_lone

    from offered_units
    left join covered_units
        on
            offered_units.partner_id = covered_units.partner_id
            and offered_units.rollup = covered_units.rollup
            and offered_units.unit_id = covered_units.unit_id
    left join weaker_units
        on
            offered_units.partner_id = weaker_units.partner_id
            and offered_units.rollup = weaker_units.rollup
            and offered_units.unit_id = weaker_units.unit_id
    where
        covered_units.unit_id is null
        and weaker_units.unit_id is null

),

known as (

    select
        unit_states.partner_id,
        unit_states.rollup,
        our_units.status_rank,
        our_units.lists,
        count(*) as known_units,
        sum(our_units.is_keyless) as keyless_units,
        sum(case when unit_states.state = 1 then 1 else 0 end) as covered_accounts,
        sum(case when unit_states.state = 1 then our_units.open_amount else 0 end) as covered_amount,
        sum(unit_states.is_lone) as lone_links,
        sum(case when unit_states.state = 2 then 1 else 0 end) as family_only,
        sum(case when unit_states.state = 3 then 1 else 0 end) as in_review,
        sum(case when unit_states.state = 4 then our_units.is_keyless else 0 end) as offered_without_key,
        sum(case when unit_states.state = 4 then 1 - our_units.is_keyless else 0 end) as offered_with_key

    from unit_states
    inner join our_units
        on
            unit_states.account_scope = our_units.scope
            and unit_states.rollup = our_units.rollup
            and unit_states.unit_id = our_units.unit_id
    group by unit_states.partner_id, unit_states.rollup, our_units.status_rank, our_units.lists

),

covered_by as (

    select
        account_scope as scope,
        rollup,
        unit_id,
        count(*) as covering_partners,
        min(partner_id) as a_partner_id

    from covered_units
    group by account_scope, rollup, unit_id

),

covered_members as (

    select
        covered_by.scope,
        covered_by.rollup,
        covered_by.unit_id,
        covered_by.a_partner_id,
        sum(covered_by.covering_partners) over (
            partition by covered_by.rollup, unit_members.account_id
        ) as covering_partners

    from covered_by
    inner join unit_members
        on
            covered_by.scope = unit_members.scope
            and covered_by.rollup = unit_members.rollup
            and covered_by.unit_id = unit_members.unit_id

),

-- a unit is unique to a partner when no member lies in a unit that another partner covers
unique_units as (

    select
        scope,
        rollup,
        unit_id,
        min(a_partner_id) as partner_id

    from covered_members
    group by scope, rollup, unit_id
    having max(covering_partners) = 1

),

unique_to as (

    select
        unique_units.partner_id,
        unique_units.rollup,
        our_units.status_rank,
        our_units.lists,
        count(*) as unique_accounts,
        sum(our_units.open_amount) as unique_amount

    from unique_units
    inner join our_units
        on
            unique_units.scope = our_units.scope
            and unique_units.rollup = our_units.rollup
            and unique_units.unit_id = our_units.unit_id
    group by unique_units.partner_id, unique_units.rollup, our_units.status_rank, our_units.lists

),

denominators as (

    select
        scope,
        rollup,
        status_rank,
        lists,
        count(*) as our_accounts,
        sum(is_keyless) as keyless_units,
        sum(open_amount) as open_amount

    from our_units
    group by scope, rollup, status_rank, lists

),

counted_by_lists as (

    select
        partners.partner_id,
        denominators.rollup,
        denominators.status_rank,
        denominators.lists,
        denominators.our_accounts,
        denominators.open_amount,
        coalesce(known.covered_accounts, 0) as covered_accounts,
        coalesce(known.covered_amount, 0) as covered_amount,
        coalesce(known.lone_links, 0) as lone_links,
        coalesce(unique_to.unique_accounts, 0) as unique_accounts,
        coalesce(unique_to.unique_amount, 0) as unique_amount,
        coalesce(known.family_only, 0) as unmatched_family_only,
        coalesce(known.in_review, 0) as unmatched_in_review,
        case
            when partners.exchange = 'list' then 0
            else denominators.our_accounts - coalesce(known.known_units, 0)
        end as unmatched_not_offered,
        case
            when partners.exchange = 'list' then denominators.keyless_units - coalesce(known.keyless_units, 0)
            else coalesce(known.offered_without_key, 0)
        end as unmatched_without_key,
        case
            when partners.exchange = 'list'
                then
                    denominators.our_accounts - denominators.keyless_units
                    - coalesce(known.known_units - known.keyless_units, 0)
            else coalesce(known.offered_with_key, 0)
        end as unmatched_not_found

    from partners
    inner join denominators
        on partners.account_scope = denominators.scope
    left join known
        on
            partners.partner_id = known.partner_id
            and denominators.rollup = known.rollup
            and denominators.status_rank = known.status_rank
            and denominators.lists = known.lists
    left join unique_to
        on
            partners.partner_id = unique_to.partner_id
            and denominators.rollup = unique_to.rollup
            and denominators.status_rank = unique_to.status_rank
            and denominators.lists = unique_to.lists

),

counted_by_status as (

    select
        counted_by_lists.partner_id,
        counted_by_lists.rollup,
        list_sets.target_list,
        {% for measure in measures -%}
        sum(counted_by_lists.{{ measure }}) as {{ measure }},
        {% endfor -%}
        counted_by_lists.status_rank

    from counted_by_lists
    inner join list_sets
        on counted_by_lists.lists = list_sets.lists
    group by
        counted_by_lists.partner_id, counted_by_lists.rollup, list_sets.target_list, counted_by_lists.status_rank

),

-- rank 0 stands for all statuses
counted as (

    select * from counted_by_status

    union all

    select
        partner_id,
        rollup,
        target_list,
        {% for measure in measures -%}
        sum({{ measure }}) as {{ measure }},
        {% endfor -%}
        0 as status_rank

    from counted_by_status
    group by partner_id, rollup, target_list

),

-- the partner's unit of a lone link counts in that link's row only; others may count in several, and once in `all`
branching_links as (

    select distinct
        company_links.partner_id,
        company_links.rollup,
        company_links.partner_unit_id,
        list_sets.target_list,
        our_units.status_rank

    from company_links
    inner join our_units
        on
            company_links.account_scope = our_units.scope
            and company_links.rollup = our_units.rollup
            and company_links.our_unit_id = our_units.unit_id
    inner join list_sets
        on our_units.lists = list_sets.lists
    where not company_links.is_lone

),

branching_matches as (

    select
        partner_id,
        rollup,
        target_list,
        status_rank,
        count(*) as partner_accounts

    from branching_links
    group by partner_id, rollup, target_list, status_rank

    union all

    select
        partner_id,
        rollup,
        target_list,
        0 as status_rank,
        count(distinct partner_unit_id) as partner_accounts

    from branching_links
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
        cast(
            {{ account_mapping.share('counted.covered_accounts', 'counted.our_accounts') }} as double
        ) as coverage_rate,
        cast(coalesce(partner_units.partner_accounts, 0) as bigint) as partner_accounts,
        cast(
            coalesce(counted.lone_links, 0) + coalesce(branching_matches.partner_accounts, 0) as bigint
        ) as matched_partner_accounts,
        -- of a private set intersection we know no account but the matched ones
        case
            when not coalesce(partners.is_blinded, false)
                then cast(
                    {{ account_mapping.share(
                        'coalesce(counted.lone_links, 0) + coalesce(branching_matches.partner_accounts, 0)',
                        'partner_units.partner_accounts'
                    ) }} as double
                )
        end as partner_match_rate,
        cast(coalesce(counted.unique_accounts, 0) as bigint) as unique_accounts,
        cast(coalesce(counted.open_amount, 0) as decimal(28, 2)) as open_pipeline_amount,
        cast(coalesce(counted.covered_amount, 0) as decimal(28, 2)) as covered_open_pipeline_amount,
        cast(
            {{ account_mapping.share('counted.covered_amount', 'counted.open_amount', input_decimals=2) }} as double
        ) as pipeline_coverage_rate,
        cast(coalesce(counted.unique_amount, 0) as decimal(28, 2)) as unique_open_pipeline_amount,
        {% for reason in reasons -%}
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
    left join branching_matches
        on
            partners.partner_id = branching_matches.partner_id
            and rollups.rollup = branching_matches.rollup
            and list_names.target_list = branching_matches.target_list
            and statuses.status_rank = branching_matches.status_rank
    left join partner_units
        on
            partners.partner_id = partner_units.partner_id
            and rollups.rollup = partner_units.rollup

)

select * from final
