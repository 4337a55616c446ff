with

links as (

    select * from {{ ref('int_account_mapping__links') }}

),

match_reasons as (

    select * from {{ ref('int_account_mapping__match_reasons') }}

),

final as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
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

)

select * from final
order by partner_id, account_id, partner_account_id
