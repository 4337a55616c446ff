with

links as (

    select * from {{ ref('int_account_mapping__links') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

match_reasons as (

    select * from {{ ref('int_account_mapping__match_reasons') }}

),

final as (

    select
        ---------- ids
        links.partner_id,
        links.account_id,
        links.partner_account_id,

        ---------- text
        {{ account_mapping.partner_columns('links') | indent(8) }},
        accounts.name as account_name,
        partner_accounts.name as partner_account_name,

        ---------- what was decided, and why
        links.match_probability,
        links.match_method,
        match_reasons.match_reason,
        links.relationship,
        links.decision,
        links.decided_by

    from links
    inner join match_reasons
        on
            links.partner_id = match_reasons.partner_id
            and links.account_id = match_reasons.account_id
            and links.partner_account_id = match_reasons.partner_account_id
    inner join accounts
        on links.account_id = accounts.account_id
    inner join partner_accounts
        on
            links.partner_id = partner_accounts.partner_id
            and links.partner_account_id = partner_accounts.account_id
    left join partners
        on links.partner_id = partners.partner_id

)

select * from final
order by partner_id, account_id, partner_account_id
