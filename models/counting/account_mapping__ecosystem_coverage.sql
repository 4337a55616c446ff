with

ecosystem_coverage as (

    select * from {{ ref('int_account_mapping__ecosystem_coverage') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        ecosystem_coverage.rollup,
        ecosystem_coverage.target_list,
        ecosystem_coverage.our_status,
        ecosystem_coverage.rank,
        ecosystem_coverage.partner_id,
        {{ account_mapping.partner_columns('ecosystem_coverage') | indent(8) }},
        ecosystem_coverage.our_accounts,
        ecosystem_coverage.added_accounts,
        ecosystem_coverage.cumulative_accounts,
        ecosystem_coverage.cumulative_rate,
        ecosystem_coverage.limit_accounts,
        ecosystem_coverage.limit_rate,
        ecosystem_coverage.open_pipeline_amount,
        ecosystem_coverage.added_open_pipeline_amount,
        ecosystem_coverage.cumulative_open_pipeline_amount,
        ecosystem_coverage.cumulative_pipeline_rate,
        ecosystem_coverage.limit_open_pipeline_amount,
        ecosystem_coverage.limit_pipeline_rate

    from ecosystem_coverage
    left join partners
        on ecosystem_coverage.partner_id = partners.partner_id

)

select * from final
order by rollup, target_list, our_status, rank
