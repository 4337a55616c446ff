with

source as (

    {{ account_mapping.stage_columns('partners', 'partner_accounts', candidates={
        'partner_id': ['partner_id', 'partner id'],
        'account_id': ['account_id', 'account id'],
        'account_name': ['account_name', 'account name', 'name'],
        'website': ['website', 'domain'],
        'email_domain': ['email_domain', 'email domain'],
        'country': ['country'],
        'state': ['state'],
        'city': ['city'],
        'postal_code': ['postal_code', 'postal code'],
        'status': ['status'],
        'segment': ['segment'],
        'owner_name': ['owner_name', 'owner name'],
        'owner_email': ['owner_email', 'owner email'],
        'open_amount': ['open_amount', 'open amount'],
        'currency': ['currency'],
        'customer_since': ['customer_since', 'customer since'],
        'annual_revenue': ['annual_revenue', 'annual revenue'],
        'employee_count': ['employee_count', 'employee count'],
        'industry': ['industry'],
        'lei': ['lei'],
        'duns': ['duns'],
        'vat_id': ['vat_id', 'vat id'],
        'linkedin_url': ['linkedin_url', 'linkedin url'],
        'parent_account_id': ['parent_account_id', 'parent account id'],
        'updated_at': ['updated_at', 'updated at'],
    }, required=['partner_id', 'account_id']) }}

),

renamed as (

    select
        {{ account_mapping.partner_account_columns() | indent(8) }},

        ---------- origin
        'partners.partner_accounts' as source

    from source

)

select * from renamed
