{{ config(materialized='view', enabled=var('account_mapping__semantic_layer')) }}

with

partner_coverage as (

    select * from {{ ref('account_mapping__partner_coverage') }}

),

build as (

    select * from {{ ref('account_mapping__build') }}

),

final as (

    -- marts carry no clock, a metric needs one: the date of the run that they come from
    select
        build.as_of,
        partner_coverage.partner_id,
        partner_coverage.rollup,
        partner_coverage.our_status,
        partner_coverage.target_list,
        partner_coverage.our_accounts,
        partner_coverage.covered_accounts,
        partner_coverage.partner_accounts,
        partner_coverage.matched_partner_accounts,
        partner_coverage.unique_accounts

    from partner_coverage
    cross join build

)

select * from final
