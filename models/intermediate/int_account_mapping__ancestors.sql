{%- set doublings = 4 -%}
with

parents as (

    select
        side,
        scope,
        account_id,
        parent_account_id

    from {{ ref('int_account_mapping__members') }}
    where parent_account_id is not null

),

climb_0 as (

    select
        side,
        scope,
        account_id,
        parent_account_id as ancestor_account_id

    from parents

),

-- each step doubles the height that is reached: four steps see sixteen generations
{% for step in range(doublings) %}
climb_{{ step + 1 }} as {{ account_mapping.materialized() }} (

    select * from climb_{{ step }}
    union
    select
        lower_part.side,
        lower_part.scope,
        lower_part.account_id,
        upper_part.ancestor_account_id

    from climb_{{ step }} as lower_part
    inner join climb_{{ step }} as upper_part
        on
            lower_part.side = upper_part.side
            and lower_part.scope = upper_part.scope
            and lower_part.ancestor_account_id = upper_part.account_id

),
{% endfor %}

final as (

    select * from climb_{{ doublings }}

)

select * from final
