with

partner_coverage as (

    select * from {{ ref('int_account_mapping__partner_coverage') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        partner_coverage.*,
        {{ account_mapping.partner_columns('partner_coverage') | indent(8) }}

    from partner_coverage
    left join partners
        on partner_coverage.partner_id = partners.partner_id

)

select * from final
order by partner_id, rollup, our_status, target_list
