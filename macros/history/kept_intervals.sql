{% macro kept_intervals(key, facts, known, is_read=false) %}
    {#- CTEs up to `final` that keep what runs saw as intervals of days, for an incremental model whose CTE `states` holds
        what this run sees: one row per record, with the columns of `key` and `facts`.

        What a run sees holds from its day (account_mapping__as_of) until the next run's: a second run of a day replaces
        the first, a run of a past day fills in. `final` has the rows to write: key, facts, valid_from, valid_to, where an
        interval without a day takes the place of what only a former run of the day saw; and, as record `run`, the days
        on which runs saw all this.
        key: columns that make one record, `record` the first; none is null, and all are text. facts: {column: type}.
        known: the model's own relation, none where it is made anew. is_read: whether `known_intervals` stands before
        `states` already, which reads it. -#}
    {%- set forever = "cast('9999-12-31' as date)" -%}
    {%- set columns = key + (facts.keys() | list) -%}
{% if known -%}
{% if not is_read -%}
{{ account_mapping.known_intervals(known) }}

{% endif -%}
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
        {% for column in key -%}
        coalesce(states.{{ column }}, known_now.{{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}

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
        or states.{{ fact }} is distinct from known_now.{{ fact }}
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
        {{ facts.keys() | join(', ') }},
        valid_from,
        least(valid_until, seen_on) as valid_until

    from known_of_changed
    cross join this_run
    where valid_from < seen_on

    union all

    select
        {% for column in columns -%}
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
        {{ facts.keys() | join(', ') }},
        greatest(valid_from, seen_until) as valid_from,
        valid_until

    from known_of_changed
    cross join this_run
    where valid_until > seen_until

),

hashed as (

    select
        *,
        {{ account_mapping.content_hash(facts.keys() | list) }} as facts_hash

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
        {{ facts.keys() | join(', ') }},
        min(valid_from) as valid_from,
        max(valid_until) as valid_until

    from numbered
    group by {{ key | join(', ') }}, {{ facts.keys() | join(', ') }}, interval_number

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
        {{ facts.keys() | join(', ') }},
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
        {% for column in key if column != 'record' -%}
        '' as {{ column }},
        {% endfor -%}
        {% for fact, type in facts.items() -%}
        cast(null as {{ type }}) as {{ fact }},
        {% endfor -%}
        seen_on as valid_from,
        coalesce(lead(seen_on) over (order by seen_on), {{ forever }}) as valid_until

    from run_days

),

records as (

    select * from intervals
    union all
    {% if known -%}
    select * from gone
    union all
    {% endif -%}
    select * from runs

),

final as (

    select
        {{ key | join(', ') }},
        {{ facts.keys() | join(', ') }},
        valid_from,
        nullif(valid_until, {{ forever }}) as valid_to

    from records

)
{% endmacro %}
