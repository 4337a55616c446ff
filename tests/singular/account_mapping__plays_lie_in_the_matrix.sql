-- Plays of accounts that are the same company are as many as the cell of the matrix whose rule they follow.
with

plays as (

    select
        partner_id,
        our_status,
        partner_status,
        count(*) as plays,
        sum(our_open_amount) as open_amount

    from {{ ref('int_account_mapping__plays') }}
    where relationship = 'same'
    group by partner_id, our_status, partner_status

),

cells as (

    select * from {{ ref('int_account_mapping__overlap_matrix') }}
    where rollup = 'account'

),

final as (

    select plays.*
    from plays
    left join cells
        on
            plays.partner_id = cells.partner_id
            and plays.our_status = cells.our_status
            and plays.partner_status = cells.partner_status
    where
        plays.plays <> coalesce(cells.our_accounts, 0)
        or plays.open_amount <> coalesce(cells.open_pipeline_amount, 0)

)

select * from final
