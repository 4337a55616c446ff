with

partner_rows as (

    select * from {{ ref('int_account_mapping__partner_rows') }}
    where problem is null

),

partner_key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null

),

-- a partner that sends keys tells of an account its token, its parent's token and an agreed status
keyed_accounts as (

    select
        partner_id,
        account_token as account_id,
        min(status) as status,
        min(parent_account_token) as parent_account_id

    from partner_key_rows
    group by partner_id, account_token

),

final as (

    select
        ---------- ids
        partner_id,
        account_id,
        parent_account_id,

        ---------- text
        account_name,
        website,
        email_domain,
        country,
        state,
        city,
        postal_code,
        status,
        segment,
        owner_name,
        owner_email,
        raw_open_amount,
        currency,
        industry,
        lei,
        duns,
        vat_id,
        linkedin_url,
        deal_stage,
        source,

        ---------- numerics
        open_amount,
        annual_revenue,
        employee_count,

        ---------- dates and timestamps
        customer_since,
        deal_close_date,
        last_won_on,
        updated_at,

        ---------- flags
        true as is_readable

    from partner_rows

    union all

    select
        ---------- ids
        partner_id,
        account_id,
        parent_account_id,

        ---------- text
        null as account_name,
        null as website,
        null as email_domain,
        null as country,
        null as state,
        null as city,
        null as postal_code,
        status,
        null as segment,
        null as owner_name,
        null as owner_email,
        null as raw_open_amount,
        null as currency,
        null as industry,
        null as lei,
        null as duns,
        null as vat_id,
        null as linkedin_url,
        null as deal_stage,
        'partners.partner_keys' as source,

        ---------- numerics
        null as open_amount,
        null as annual_revenue,
        null as employee_count,

        ---------- dates and timestamps
        null as customer_since,
        null as deal_close_date,
        null as last_won_on,
        null as updated_at,

        ---------- flags
        false as is_readable

    from keyed_accounts

)

select * from final
