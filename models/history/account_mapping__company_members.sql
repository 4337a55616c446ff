with

named_members as (

    select * from {{ ref('int_account_mapping__named_company_records') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        ---------- ids
        named_members.company_id,
        named_members.side,
        nullif(named_members.partner_id, '') as partner_id,
        named_members.account_id,

        ---------- text
        {{ account_mapping.partner_columns('named_members') | indent(8) }},

        ---------- dates
        named_members.member_since

    from named_members
    left join partners
        on named_members.partner_id = partners.partner_id

)

select * from final
order by company_id, side, partner_id, account_id
