with

population_conditions as (

    select * from {{ ref('int_account_mapping__population_conditions') }}
    where is_unreadable

),

final as (

    select
        'account_mapping__populations' as source,
        population as row_key,
        'unreadable_condition' as problem,
        left(
            side || ': ' || coalesce(field, '(no field)') || ' = ' || coalesce(condition_value, '(no value)'), 100
        ) as detail

    from population_conditions

)

select * from final
