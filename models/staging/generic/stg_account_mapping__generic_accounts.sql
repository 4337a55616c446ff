{{ config(enabled='generic' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns(
        'generic',
        'accounts',
        candidates={
            'source_account_id': ['account_id', 'account id', 'id'],
            'parent_source_account_id': ['parent_account_id', 'parent account id'],
            'owner_name': ['owner_name', 'owner name'],
            'owner_email': ['owner_email', 'owner email'],
            'account_name': ['account_name', 'account name', 'name'],
            'website': ['website', 'domain'],
            'additional_domains': ['additional_domains'],
            'email_domain': ['email_domain', 'email domain'],
            'country': ['country'],
            'state': ['state'],
            'city': ['city'],
            'postal_code': ['postal_code', 'postal code'],
            'account_type': ['account_type'],
            'lifecycle_stage': ['lifecycle_stage'],
            'status': ['status'],
            'segment': ['segment'],
            'industry': ['industry'],
            'annual_revenue': ['annual_revenue', 'annual revenue'],
            'employee_count': ['employee_count', 'employee count'],
            'lei': ['lei'],
            'duns': ['duns'],
            'vat_id': ['vat_id', 'vat id'],
            'linkedin_url': ['linkedin_url', 'linkedin url'],
            'customer_since': ['customer_since', 'customer since'],
            'open_amount': ['open_amount', 'open amount'],
            'currency': ['currency'],
            'updated_at': ['updated_at', 'updated at'],
            'is_deleted': ['is_deleted'],
            'is_deleted_by_loader': ['_fivetran_deleted'],
            'is_current_version': ['_fivetran_active'],
        },
        required=['source_account_id', ['account_name', 'website', 'email_domain']],
        required_table=true,
        pass_through=true,
    ) }}

),

renamed as (

    select
        ---------- ids
        {{ clean_id('source_account_id') }} as source_account_id,
        {{ clean_id('parent_source_account_id') }} as parent_source_account_id,
        cast(null as {{ dbt.type_string() }}) as owner_id,

        ---------- strings
        {{ clean_text('owner_name') }} as owner_name,
        {{ clean_text('owner_email') }} as owner_email,
        {{ clean_text('account_name') }} as account_name,
        {{ clean_text('website') }} as website,
        {{ clean_text('additional_domains') }} as additional_domains,
        {{ clean_text('email_domain') }} as email_domain,
        {{ clean_text('country') }} as country,
        {{ clean_text('state') }} as state,
        {{ clean_text('city') }} as city,
        {{ clean_id('postal_code') }} as postal_code,
        {{ clean_text('account_type') }} as account_type,
        {{ clean_text('lifecycle_stage') }} as lifecycle_stage,
        {{ clean_text('status') }} as status,
        {{ clean_text('segment') }} as segment,
        {{ clean_text('industry') }} as industry,
        {{ clean_id('lei') }} as lei,
        {{ clean_id('duns') }} as duns,
        {{ clean_id('vat_id') }} as vat_id,
        {{ clean_text('linkedin_url') }} as linkedin_url,
        {{ clean_text('currency') }} as currency,
        pass_through,

        ---------- numerics
        {{ to_decimal('annual_revenue') }} as annual_revenue,
        {{ to_integer('employee_count') }} as employee_count,
        {{ to_decimal('open_amount') }} as open_amount,
        {{ clean_text('open_amount') }} as raw_open_amount,

        ---------- booleans
        coalesce({{ to_boolean('is_deleted') }}, false)
        or coalesce({{ to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ to_boolean('is_current_version') }}, true) as is_current_version,

        ---------- timestamps
        {{ to_date('customer_since') }} as customer_since,
        {{ to_timestamp('updated_at') }} as updated_at

    from source

)

select * from renamed
