{{ config(materialized='view') }}
with

company_links as (

    select * from {{ ref('int_account_mapping__company_links') }}

),

covered_units as (

    {{ account_mapping.covered_units('company_links') | indent(4) }}

),

our_units as (

    select * from {{ ref('int_account_mapping__our_units') }}
    where scope = '*'

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'ours'

),

-- a partner with exclusions of its own covers the unit in which the others see an account of a unit that it covers
covered_members as (

    select distinct
        covered_units.partner_id,
        covered_units.rollup,
        case when covered_units.rollup = 'account' then members.account_id else members.unit_id end as unit_id

    from covered_units
    inner join members as own_members
        on
            covered_units.account_scope = own_members.scope
            and covered_units.unit_id
            = case when covered_units.rollup = 'account' then own_members.account_id else own_members.unit_id end
    inner join members
        on
            members.scope = '*'
            and own_members.account_id = members.account_id
    where covered_units.account_scope <> '*'

),

covered as (

    select
        partner_id,
        rollup,
        unit_id

    from covered_units
    where account_scope = '*'

    union all

    select * from covered_members

),

final as (

    select
        covered.partner_id,
        covered.rollup,
        our_units.unit_number

    from covered
    inner join our_units
        on
            covered.rollup = our_units.rollup
            and covered.unit_id = our_units.unit_id

)

select * from final
