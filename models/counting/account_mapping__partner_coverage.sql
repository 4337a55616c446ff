with

partner_coverage as (

    select * from {{ ref('int_account_mapping__partner_coverage') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        partner_coverage.partner_id,
        {{ account_mapping.partner_columns('partner_coverage') | indent(8) }},
        partner_coverage.rollup,
        partner_coverage.our_status,
        partner_coverage.target_list,
        partner_coverage.our_accounts,
        partner_coverage.covered_accounts,
        partner_coverage.coverage_rate,
        partner_coverage.partner_accounts,
        partner_coverage.matched_partner_accounts,
        partner_coverage.partner_match_rate,
        partner_coverage.unique_accounts,
        partner_coverage.open_pipeline_amount,
        partner_coverage.covered_open_pipeline_amount,
        partner_coverage.pipeline_coverage_rate,
        partner_coverage.unique_open_pipeline_amount,
        partner_coverage.unmatched_family_only,
        partner_coverage.unmatched_in_review,
        partner_coverage.unmatched_not_offered,
        partner_coverage.unmatched_without_key,
        partner_coverage.unmatched_not_found,
        partner_coverage.targets_without_account,
        partner_coverage.list_age_days

    from partner_coverage
    left join partners
        on partner_coverage.partner_id = partners.partner_id

)

select * from final
order by partner_id, rollup, our_status, target_list
