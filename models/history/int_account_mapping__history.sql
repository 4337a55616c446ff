{#- One table holds what was seen of overlaps and partners and when it was seen, so that all is kept in one step. -#}
{%- set key = ['record', 'partner_id', 'account_id', 'partner_account_id'] -%}
{%- set overlap_facts = {
    'relationship': dbt.type_string(), 'is_primary': 'boolean',
    'our_status': dbt.type_string(), 'partner_status': dbt.type_string(), 'our_open_amount': 'decimal(28, 2)',
    'our_unit_id': dbt.type_string(), 'partner_unit_id': dbt.type_string(),
    'our_unit_status': dbt.type_string(), 'partner_unit_status': dbt.type_string(),
    'our_unit_open_amount': 'decimal(28, 2)',
    'company_id': dbt.type_string(), 'family_id': dbt.type_string(),
} -%}
{%- set partner_facts = {
    'our_statuses': "side = 'ours' and not is_hidden", 'our_hidden_statuses': "side = 'ours' and is_hidden",
    'partner_statuses': "side = 'partner' and not is_hidden",
    'partner_hidden_statuses': "side = 'partner' and is_hidden",
} -%}
{%- set facts = (overlap_facts | list) + (partner_facts | list) -%}
{%- set forever = "cast('9999-12-31' as date)" -%}
{{
    config(
        enabled=var('account_mapping__history'),
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=key,
        full_refresh=false,
    )
}}
with

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

company_links as (

    select * from {{ ref('int_account_mapping__company_links') }}

),

overlap_states as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        links.relationship,
        links.is_primary,
        {{ account_mapping.status_of_rank('links.our_status_rank') }} as our_status,
        {{ account_mapping.status_of_rank('links.partner_status_rank') }} as partner_status,
        links.our_open_amount,
        links.our_unit_id,
        links.partner_unit_id,
        {{ account_mapping.status_of_rank('links.our_unit_status_rank') }} as our_unit_status,
        {{ account_mapping.status_of_rank('links.partner_unit_status_rank') }} as partner_unit_status,
        links.our_unit_open_amount,
        -- only the same company is linked under rollup `account`
        coalesce(companies.company_id, '') as company_id,
        families.company_id as family_id

    from links
    left join company_links as companies
        on
            companies.rollup = 'account'
            and links.partner_id = companies.partner_id
            and links.account_id = companies.our_unit_id
            and links.partner_account_id = companies.partner_unit_id
    left join company_links as families
        on
            families.rollup = 'parent'
            and links.partner_id = families.partner_id
            and links.our_unit_id = families.our_unit_id
            and links.partner_unit_id = families.partner_unit_id

),

compared_statuses as (

    select
        partner_id,
        side,
        {{ account_mapping.status_of_rank('status_rank') }} as status,
        is_hidden

    from {{ ref('int_account_mapping__compared_statuses') }}

),

states as (

    select
        {% for fact in overlap_facts -%}
        {{ fact }},
        {% endfor -%}
        {% for fact in partner_facts -%}
        cast(null as {{ dbt.type_string() }}) as {{ fact }},
        {% endfor -%}
        'overlap' as record,
        partner_id,
        account_id,
        partner_account_id

    from overlap_states

    union all

    select
        {% for fact, type in overlap_facts.items() -%}
        cast(null as {{ type }}) as {{ fact }},
        {% endfor -%}
        {% for fact, condition in partner_facts.items() -%}
        coalesce(
            {{ account_mapping.list_text('case when ' ~ condition ~ ' then status end') }}, ''
        ) as {{ fact }},
        {% endfor -%}
        'partner' as record,
        partner_id,
        '' as account_id,
        '' as partner_account_id

    from compared_statuses
    group by partner_id

),

{% if is_incremental() -%}
known as (

    select
        *,
        coalesce(valid_to, {{ forever }}) as valid_until

    from {{ this }}

),

-- what a run sees holds until the next run, also where that one was made before it
this_run as (

    select
        {{ account_mapping.as_of() }} as seen_on,
        coalesce(min(valid_from), {{ forever }}) as seen_until

    from known
    where
        record = 'run'
        and valid_from > {{ account_mapping.as_of() }}

),

known_now as (

    select known.*
    from known
    cross join this_run
    where
        known.record <> 'run'
        and known.valid_from <= this_run.seen_on
        and known.valid_until > this_run.seen_on

),

-- of most overlaps a run tells nothing new: only the others are written
changed as (

    select
        coalesce(states.record, known_now.record) as record,
        coalesce(states.partner_id, known_now.partner_id) as partner_id,
        coalesce(states.account_id, known_now.account_id) as account_id,
        coalesce(states.partner_account_id, known_now.partner_account_id) as partner_account_id

    from states
    full outer join known_now
        on
            {% for column in key -%}
            {{ 'and ' if not loop.first }}states.{{ column }} = known_now.{{ column }}
            {% endfor %}
    where
        states.record is null
        or known_now.record is null
        {% for fact in facts -%}
        or states.{{ fact }} <> known_now.{{ fact }}
        {% endfor %}

),

known_of_changed as (

    select known.*
    from known
    inner join changed
        on
            {% for column in key -%}
            {{ 'and ' if not loop.first }}known.{{ column }} = changed.{{ column }}
            {% endfor %}
    where known.valid_until > known.valid_from

),

-- what is known of earlier days, what this run sees, and what is known of later days
pieces as (

    select
        {{ key | join(', ') }},
        {{ facts | join(', ') }},
        valid_from,
        least(valid_until, seen_on) as valid_until

    from known_of_changed
    cross join this_run
    where valid_from < seen_on

    union all

    select
        {% for column in key + facts -%}
        states.{{ column }},
        {% endfor -%}
        this_run.seen_on as valid_from,
        this_run.seen_until as valid_until

    from states
    inner join changed
        on
            {% for column in key -%}
            {{ 'and ' if not loop.first }}states.{{ column }} = changed.{{ column }}
            {% endfor %}
    cross join this_run

    union all

    select
        {{ key | join(', ') }},
        {{ facts | join(', ') }},
        greatest(valid_from, seen_until) as valid_from,
        valid_until

    from known_of_changed
    cross join this_run
    where valid_until > seen_until

),

hashed as (

    select
        *,
        {{ account_mapping.content_hash(facts) }} as facts_hash

    from pieces

),

followed as (

    select
        *,
        case
            when
                lag(facts_hash) over (partition by {{ key | join(', ') }} order by valid_from) = facts_hash
                and lag(valid_until) over (partition by {{ key | join(', ') }} order by valid_from) = valid_from
                then 0
            else 1
        end as begins

    from hashed

),

numbered as (

    select
        *,
        sum(begins) over (
            partition by {{ key | join(', ') }}
            order by valid_from
            rows between unbounded preceding and current row
        ) as interval_number

    from followed

),

intervals as (

    select
        {{ key | join(', ') }},
        {{ facts | join(', ') }},
        min(valid_from) as valid_from,
        max(valid_until) as valid_until

    from numbered
    group by {{ key | join(', ') }}, {{ facts | join(', ') }}, interval_number

),

-- what only a former run of the same day saw: an interval without a day takes the place of what has to go
gone as (

    select
        {% for column in key -%}
        changed.{{ column }},
        {% endfor -%}
        {% for fact in facts -%}
        intervals.{{ fact }},
        {% endfor -%}
        this_run.seen_on as valid_from,
        this_run.seen_on as valid_until

    from changed
    cross join this_run
    left join intervals
        on
            {% for column in key -%}
            {{ 'and ' if not loop.first }}changed.{{ column }} = intervals.{{ column }}
            {% endfor %}
    where intervals.record is null

),

run_days as (

    select valid_from as seen_on from known
    where record = 'run'

    union

    select seen_on from this_run

),
{% else -%}
intervals as (

    select
        {{ key | join(', ') }},
        {{ facts | join(', ') }},
        {{ account_mapping.as_of() }} as valid_from,
        {{ forever }} as valid_until

    from states

),

run_days as (

    select {{ account_mapping.as_of() }} as seen_on

),
{% endif %}
runs as (

    select
        'run' as record,
        '' as partner_id,
        '' as account_id,
        '' as partner_account_id,
        {% for fact, type in overlap_facts.items() -%}
        cast(null as {{ type }}) as {{ fact }},
        {% endfor -%}
        {% for fact in partner_facts -%}
        cast(null as {{ dbt.type_string() }}) as {{ fact }},
        {% endfor -%}
        seen_on as valid_from,
        coalesce(lead(seen_on) over (order by seen_on), {{ forever }}) as valid_until

    from run_days

),

records as (

    select * from intervals
    union all
    {% if is_incremental() -%}
    select * from gone
    union all
    {% endif -%}
    select * from runs

),

final as (

    select
        {{ key | join(', ') }},
        {{ facts | join(', ') }},
        valid_from,
        nullif(valid_until, {{ forever }}) as valid_to

    from records

)

select * from final
