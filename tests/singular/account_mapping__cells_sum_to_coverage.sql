-- Each linked unit lies in one cell, so the cells of a partner and rollup sum to its covered units, on both sides.
with

cells as (

    select
        partner_id,
        rollup,
        sum(our_accounts) as our_accounts,
        sum(partner_accounts) as partner_accounts

    from {{ ref('int_account_mapping__overlap_matrix') }}
    group by partner_id, rollup

),

coverage as (

    select * from {{ ref('int_account_mapping__partner_coverage') }}
    where
        our_status = 'all'
        and target_list = 'all'

),

final as (

    select
        coverage.partner_id,
        coverage.rollup,
        coverage.covered_accounts,
        cells.our_accounts,
        coverage.matched_partner_accounts,
        cells.partner_accounts

    from coverage
    left join cells
        on
            coverage.partner_id = cells.partner_id
            and coverage.rollup = cells.rollup
    where
        coverage.covered_accounts <> coalesce(cells.our_accounts, 0)
        or coverage.matched_partner_accounts <> coalesce(cells.partner_accounts, 0)

)

select * from final
