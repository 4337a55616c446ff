with

whitespace as (

    select * from {{ ref('int_account_mapping__whitespace') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        whitespace.*,
        {{ account_mapping.partner_columns('whitespace') | indent(8) }}

    from whitespace
    left join partners
        on whitespace.partner_id = partners.partner_id

)

select * from final
order by partner_id, rollup, whitespace_level, target_list, segment, partner_account_id
