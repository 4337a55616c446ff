with

overlap_matrix as (

    select * from {{ ref('int_account_mapping__overlap_matrix') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        overlap_matrix.*,
        {{ account_mapping.partner_columns('overlap_matrix') | indent(8) }}

    from overlap_matrix
    left join partners
        on overlap_matrix.partner_id = partners.partner_id

)

select * from final
order by partner_id, rollup, our_status, partner_status
