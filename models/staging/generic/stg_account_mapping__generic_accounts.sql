{{ config(enabled='generic' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns(
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
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,
        {{ account_mapping.clean_id('parent_source_account_id') }} as parent_source_account_id,
        cast(null as {{ dbt.type_string() }}) as owner_id,

        ---------- strings
        {{ account_mapping.clean_text('owner_name') }} as owner_name,
        {{ account_mapping.clean_text('owner_email') }} as owner_email,
        {{ account_mapping.clean_text('account_name') }} as account_name,
        {{ account_mapping.clean_text('website') }} as website,
        {{ account_mapping.clean_text('additional_domains') }} as additional_domains,
        {{ account_mapping.clean_text('email_domain') }} as email_domain,
        {{ account_mapping.clean_text('country') }} as country,
        {{ account_mapping.clean_text('state') }} as state,
        {{ account_mapping.clean_text('city') }} as city,
        {{ account_mapping.clean_id('postal_code') }} as postal_code,
        {{ account_mapping.clean_text('account_type') }} as account_type,
        {{ account_mapping.clean_text('lifecycle_stage') }} as lifecycle_stage,
        {{ account_mapping.clean_text('status') }} as status,
        {{ account_mapping.clean_text('segment') }} as segment,
        {{ account_mapping.clean_text('industry') }} as industry,
        {{ account_mapping.clean_id('lei') }} as lei,
        {{ account_mapping.clean_id('duns') }} as duns,
        {{ account_mapping.clean_id('vat_id') }} as vat_id,
        {{ account_mapping.clean_text('linkedin_url') }} as linkedin_url,
        {{ account_mapping.clean_text('currency') }} as currency,
        pass_through,

        ---------- numerics
        {{ account_mapping.to_decimal('annual_revenue') }} as annual_revenue,
        {{ account_mapping.to_integer('employee_count') }} as employee_count,
        {{ account_mapping.to_decimal('open_amount') }} as open_amount,
        {{ account_mapping.clean_text('open_amount') }} as raw_open_amount,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version,

        ---------- timestamps
        {{ account_mapping.to_date('customer_since') }} as customer_since,
        {{ account_mapping.to_timestamp('updated_at') }} as updated_at

    from source

)

select * from renamed
