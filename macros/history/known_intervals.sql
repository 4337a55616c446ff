{% macro known_intervals(known) -%}
    {#- The CTEs `known` and `this_run` of `kept_intervals`: what former runs kept in the relation `known`, and the days from
        and up to which holds what this run sees. -#}
    {%- set forever = "cast('9999-12-31' as date)" -%}
known as (

    select
        *,
        coalesce(valid_to, {{ forever }}) as valid_until

    from {{ known }}

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
{%- endmacro %}
