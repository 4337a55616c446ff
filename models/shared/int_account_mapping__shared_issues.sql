with

counted_cells as (

    select distinct
        partner_id,
        agreement_id,
        epoch

    from {{ ref('int_account_mapping__counted_cells') }}

),

frozen_counts as (

    select
        partner_id,
        agreement_id,
        epoch,
        max(case when side is not null and rollup is null then 1 else 0 end) = 1 as is_of_former_version

    from {{ ref('int_account_mapping__frozen_counts') }}
    group by partner_id, agreement_id, epoch

),

final as (

    select
        'account_mapping__shared_counts' as source,
        counted_cells.partner_id as row_key,
        case
            when frozen_counts.is_of_former_version then 'counts_of_former_version'
            else 'counts_refused'
        end as problem,
        counted_cells.epoch as detail

    from counted_cells
    left join frozen_counts
        on
            counted_cells.partner_id = frozen_counts.partner_id
            and counted_cells.agreement_id = frozen_counts.agreement_id
            and counted_cells.epoch = frozen_counts.epoch
    where
        frozen_counts.partner_id is null
        or frozen_counts.is_of_former_version

)

select * from final
