with

members as (

    select
        company_id,
        side,
        nullif(partner_id, '') as partner_id,
        account_id,
        member_since

    from {{ ref('int_account_mapping__named_company_records') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

final as (

    select
        ---------- ids
        members.company_id,
        members.side,
        members.partner_id,
        members.account_id,

        ---------- text
        {{ account_mapping.partner_columns('members') | indent(8) }},

        ---------- dates
        members.member_since

    from members
    left join partners
        on members.partner_id = partners.partner_id

)

select * from final
order by company_id, side, partner_id, account_id
