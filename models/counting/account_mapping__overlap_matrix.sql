with

overlap_matrix as (

    select * from {{ ref('int_account_mapping__overlap_matrix') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        overlap_matrix.partner_id,
        {{ account_mapping.partner_columns('overlap_matrix') | indent(8) }},
        overlap_matrix.rollup,
        overlap_matrix.our_status,
        overlap_matrix.partner_status,
        overlap_matrix.our_accounts,
        overlap_matrix.partner_accounts,
        overlap_matrix.companies,
        overlap_matrix.open_pipeline_amount,
        overlap_matrix.cell_state

    from overlap_matrix
    left join partners
        on overlap_matrix.partner_id = partners.partner_id

)

select * from final
order by partner_id, rollup, our_status, partner_status
