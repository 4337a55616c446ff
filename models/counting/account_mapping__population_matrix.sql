with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

population_conditions as (

    select * from {{ ref('int_account_mapping__population_conditions') }}
    where not is_void

),

population_values as (

    select * from {{ ref('int_account_mapping__population_values') }}

),

population_members as (

    select * from {{ ref('int_account_mapping__population_members') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

company_links as (

    select * from {{ ref('int_account_mapping__company_links') }}
    where rollup = 'account'

),

compared_statuses as (

    select
        partner_id,
        side,
        {{ account_mapping.status_of_rank('status_rank') }} as status,
        is_hidden

    from {{ ref('int_account_mapping__compared_statuses') }}

),

linked as (

    select
        company_links.partner_id,
        company_links.our_unit_id,
        company_links.partner_unit_id,
        company_links.company_id,
        ours.population as our_population,
        theirs.population as partner_population

    from company_links
    inner join population_members as ours
        on
            ours.side = 'ours'
            and company_links.our_unit_id = ours.account_id
    inner join population_members as theirs
        on
            theirs.side = 'partner'
            and company_links.partner_id = theirs.partner_id
            and company_links.partner_unit_id = theirs.account_id

),

our_cells as (

    select distinct
        partner_id,
        our_population,
        partner_population,
        our_unit_id

    from linked

),

partner_cells as (

    select distinct
        partner_id,
        our_population,
        partner_population,
        partner_unit_id

    from linked

),

company_cells as (

    select distinct
        partner_id,
        our_population,
        partner_population,
        company_id

    from linked

),

-- one table of countable things, so that a cell is one aggregation
counted as (

    select
        our_cells.partner_id,
        our_cells.our_population,
        our_cells.partner_population,
        1 as our_accounts,
        0 as partner_accounts,
        0 as companies,
        accounts.open_amount

    from our_cells
    inner join accounts
        on our_cells.our_unit_id = accounts.account_id

    union all

    select
        partner_id,
        our_population,
        partner_population,
        0 as our_accounts,
        1 as partner_accounts,
        0 as companies,
        0 as open_amount

    from partner_cells

    union all

    select
        partner_id,
        our_population,
        partner_population,
        0 as our_accounts,
        0 as partner_accounts,
        1 as companies,
        0 as open_amount

    from company_cells

),

cells as (

    select
        partner_id,
        our_population,
        partner_population,
        sum(our_accounts) as our_accounts,
        sum(partner_accounts) as partner_accounts,
        sum(companies) as companies,
        sum(open_amount) as open_pipeline_amount

    from counted
    group by partner_id, our_population, partner_population

),

populations as (

    select
        side,
        population,
        max(case when field = 'status' then 1 else 0 end) = 1 as has_status

    from population_conditions
    group by side, population

),

told_fields as (

    select distinct
        side,
        partner_id,
        field

    from population_values

),

partners_with_accounts as (

    select distinct scope as partner_id
    from members
    where side = 'partner'

),

-- a field of which a side tells nothing leaves open who is in the population
asked_fields as (

    select distinct
        side,
        population,
        field

    from population_conditions
    where field is not null

),

untold as (

    select
        partners.partner_id,
        asked_fields.side,
        asked_fields.population

    from partners
    cross join asked_fields
    left join told_fields
        on
            asked_fields.side = told_fields.side
            and asked_fields.field = told_fields.field
            and told_fields.partner_id = case when asked_fields.side = 'ours' then '*' else partners.partner_id end
    where told_fields.field is null

),

our_statuses as (

    select distinct
        population_members.population,
        accounts.status

    from population_members
    inner join accounts
        on population_members.account_id = accounts.account_id
    where population_members.side = 'ours'

),

-- a status that is not compared leaves open how many are shared
hidden as (

    select
        compared_statuses.partner_id,
        compared_statuses.side,
        our_statuses.population

    from compared_statuses
    inner join our_statuses
        on compared_statuses.status = our_statuses.status
    where
        compared_statuses.side = 'ours'
        and compared_statuses.is_hidden

    union all

    select
        compared_statuses.partner_id,
        compared_statuses.side,
        populations.population

    from compared_statuses
    inner join populations
        on compared_statuses.side = populations.side
    left join population_conditions
        on
            populations.side = population_conditions.side
            and populations.population = population_conditions.population
            and population_conditions.field = 'status'
            and compared_statuses.status = population_conditions.condition_value
    where
        compared_statuses.side = 'partner'
        and compared_statuses.is_hidden
        and (not populations.has_status or population_conditions.population is not null)

    union all

    select
        partners.partner_id,
        populations.side,
        populations.population

    from partners
    inner join populations
        on populations.side = 'partner'
    left join partners_with_accounts
        on partners.partner_id = partners_with_accounts.partner_id
    where partners_with_accounts.partner_id is null

),

unjudged as (

    select * from untold
    union
    select * from hidden

),

dense as (

    select
        partners.partner_id,
        ours.population as our_population,
        theirs.population as partner_population,
        our_unjudged.population is not null or partner_unjudged.population is not null as is_not_shared

    from partners
    inner join populations as ours
        on ours.side = 'ours'
    inner join populations as theirs
        on theirs.side = 'partner'
    left join unjudged as our_unjudged
        on
            our_unjudged.side = 'ours'
            and partners.partner_id = our_unjudged.partner_id
            and ours.population = our_unjudged.population
    left join unjudged as partner_unjudged
        on
            partner_unjudged.side = 'partner'
            and partners.partner_id = partner_unjudged.partner_id
            and theirs.population = partner_unjudged.population

),

final as (

    select
        dense.partner_id,
        {{ account_mapping.partner_columns('dense') | indent(8) }},
        dense.our_population,
        dense.partner_population,
        {{ account_mapping.matrix_measures('cells', 'dense.is_not_shared') | indent(8) }}

    from dense
    left join cells
        on
            dense.partner_id = cells.partner_id
            and dense.our_population = cells.our_population
            and dense.partner_population = cells.partner_population
    left join partners
        on dense.partner_id = partners.partner_id

)

select * from final
order by partner_id, our_population, partner_population
