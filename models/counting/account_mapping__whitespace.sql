with

whitespace as (

    select * from {{ ref('int_account_mapping__whitespace') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        whitespace.partner_id,
        {{ account_mapping.partner_columns('whitespace') | indent(8) }},
        whitespace.rollup,
        whitespace.whitespace_level,
        whitespace.segment,
        whitespace.target_list,
        whitespace.partner_account_id,
        whitespace.partner_account_name,
        whitespace.domains,
        whitespace.country_code,
        whitespace.country,
        whitespace.partner_status,
        whitespace.partner_owner,
        whitespace.accounts,
        whitespace.customer_accounts,
        whitespace.in_review_accounts,
        whitespace.family_known_accounts,
        whitespace.cell_state

    from whitespace
    left join partners
        on whitespace.partner_id = partners.partner_id

)

select * from final
order by partner_id, rollup, whitespace_level, target_list, segment, partner_account_id
