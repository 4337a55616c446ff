with

population_conditions as (

    select * from {{ ref('int_account_mapping__population_conditions') }}
    where not is_void

),

population_values as (

    select * from {{ ref('int_account_mapping__population_values') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where
        side = 'ours'
        and scope = '*'

),

unit_links as (

    select * from {{ ref('int_account_mapping__unit_links') }}
    where rollup = 'account'

),

-- a partner's accounts are looked at where they are linked: the others are in no cell
accounts as (

    select
        side,
        '*' as partner_id,
        account_id

    from members

    union all

    select distinct
        'partner' as side,
        partner_id,
        partner_unit_id as account_id

    from unit_links

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
    inner join accounts
        on
            population_values.side = accounts.side
            and population_values.partner_id = accounts.partner_id
            and population_values.account_id = accounts.account_id

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
        accounts.side,
        accounts.partner_id,
        accounts.account_id,
        populations.population

    from accounts
    inner join populations
        on accounts.side = populations.side
    where populations.n_fields = 0

)

select * from final
