{{ config(materialized='view', enabled=var('account_mapping__semantic_layer')) }}

with

whitespace as (

    -- the other levels tell the same accounts again
    select *
    from {{ ref('account_mapping__whitespace') }}
    where whitespace_level = 'segments'

),

build as (

    select * from {{ ref('account_mapping__build') }}

),

final as (

    -- marts carry no clock, a metric needs one: the date of the run that they come from
    select
        build.as_of,
        whitespace.partner_id,
        whitespace.rollup,
        whitespace.segment,
        whitespace.accounts,
        whitespace.customer_accounts,
        whitespace.in_review_accounts,
        whitespace.cell_state

    from whitespace
    cross join build

)

select * from final
