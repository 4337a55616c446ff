with

counted_cells as (

    select distinct
        partner_id,
        agreement_id,
        epoch

    from {{ ref('int_account_mapping__counted_cells') }}

),

frozen_counts as (

    select distinct
        partner_id,
        agreement_id,
        epoch

    from {{ ref('int_account_mapping__frozen_counts') }}

),

final as (

    select
        'account_mapping__shared_counts' as source,
        counted_cells.partner_id as row_key,
        'counts_refused' as problem,
        counted_cells.epoch as detail

    from counted_cells
    left join frozen_counts
        on
            counted_cells.partner_id = frozen_counts.partner_id
            and counted_cells.agreement_id = frozen_counts.agreement_id
            and counted_cells.epoch = frozen_counts.epoch
    where frozen_counts.partner_id is null

)

select * from final
