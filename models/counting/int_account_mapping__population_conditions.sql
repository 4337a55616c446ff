{%- set pass_through_aliases = [] -%}
{%- for column in account_mapping.pass_through_columns() -%}
    {%- do pass_through_aliases.append(account_mapping._text_literal(column['alias'] | lower)) -%}
{%- endfor -%}
with

populations as (

    select * from {{ ref('stg_account_mapping__settings_populations') }}

),

judged as (

    select
        *,
        case
            when field is null and condition_value is null then false
            when field is null or condition_value is null then true
            when field = 'status'
                then condition_value not in ('customer', 'open_opportunity', 'churned', 'prospect')
            when field in ('owner', 'region', 'segment', 'industry') then false
            {% if pass_through_aliases -%}
            when side = 'ours' and field in ({{ pass_through_aliases | join(', ') }}) then false
            {% endif -%}
            else true
        end as is_unreadable

    from populations

),

final as (

    -- a condition that is lost would widen its population, so the population is lost with it
    select
        side,
        population,
        field,
        condition_value,
        is_unreadable,
        max(case when is_unreadable then 1 else 0 end) over (partition by side, population) = 1 as is_void

    from judged

)

select * from final
