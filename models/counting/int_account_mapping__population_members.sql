with

population_conditions as (

    select * from {{ ref('int_account_mapping__population_conditions') }}
    where not is_void

),

population_values as (

    select * from {{ ref('int_account_mapping__population_values') }}

),

members as (

    select
        side,
        scope as partner_id,
        account_id

    from {{ ref('int_account_mapping__members') }}
    where
        side = 'partner'
        or scope = '*'

),

populations as (

    select
        side,
        population,
        count(distinct field) as n_fields

    from population_conditions
    group by side, population

),

-- of one field any value will do
satisfied as (

    select distinct
        population_values.side,
        population_values.partner_id,
        population_values.account_id,
        population_conditions.population,
        population_conditions.field

    from population_values
    inner join population_conditions
        on
            population_values.side = population_conditions.side
            and population_values.field = population_conditions.field
            and population_values.field_value = population_conditions.condition_value

),

counted as (

    select
        side,
        partner_id,
        account_id,
        population,
        count(*) as n_fields

    from satisfied
    group by side, partner_id, account_id, population

),

final as (

    select
        counted.side,
        counted.partner_id,
        counted.account_id,
        counted.population

    from counted
    inner join populations
        on
            counted.side = populations.side
            and counted.population = populations.population
            and counted.n_fields = populations.n_fields

    union all

    select
        members.side,
        members.partner_id,
        members.account_id,
        populations.population

    from members
    inner join populations
        on members.side = populations.side
    where populations.n_fields = 0

)

select * from final
