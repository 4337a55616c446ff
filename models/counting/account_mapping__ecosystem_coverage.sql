with

ecosystem_coverage as (

    select * from {{ ref('int_account_mapping__ecosystem_coverage') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        ecosystem_coverage.*,
        {{ account_mapping.partner_columns('ecosystem_coverage') | indent(8) }}

    from ecosystem_coverage
    left join partners
        on ecosystem_coverage.partner_id = partners.partner_id

)

select * from final
order by rollup, target_list, our_status, rank
