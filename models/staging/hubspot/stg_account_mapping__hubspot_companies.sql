{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns(
        'hubspot',
        'company',
        candidates={
            'source_account_id': ['id', 'record id', 'record id - company', 'company_id'],
            'parent_company': account_mapping.hubspot_property(
                'hs_parent_company_id', ['parent company id', 'parent company']
            ),
            'merged_source_account_ids': account_mapping.hubspot_property(
                'hs_merged_object_ids', ['merged object ids']
            ),
            'owner': account_mapping.hubspot_property('hubspot_owner_id', ['company owner']),
            'account_name': account_mapping.hubspot_property('name', ['company name']),
            'website': account_mapping.hubspot_property('website', ['website url']),
            'domain': account_mapping.hubspot_property('domain', ['company domain name']),
            'additional_domains': account_mapping.hubspot_property('hs_additional_domains', ['additional domains']),
            'email_domain': [],
            'country_code': account_mapping.hubspot_property('hs_country_code', ['country/region code']),
            'country_name': account_mapping.hubspot_property('country', ['country/region']),
            'state': account_mapping.hubspot_property('state', ['state/region']),
            'city': account_mapping.hubspot_property('city'),
            'postal_code': account_mapping.hubspot_property('zip', ['postal code']),
            'account_type': account_mapping.hubspot_property('type'),
            'lifecycle_stage': account_mapping.hubspot_property('lifecyclestage', ['lifecycle stage']),
            'status': [],
            'segment': [],
            'industry': account_mapping.hubspot_property('industry'),
            'annual_revenue': account_mapping.hubspot_property('annualrevenue', ['annual revenue']),
            'employee_count': account_mapping.hubspot_property('numberofemployees', ['number of employees']),
            'lei': [],
            'duns': [],
            'vat_id': [],
            'linkedin_url': account_mapping.hubspot_property('linkedin_company_page', ['linkedin company page']),
            'customer_since': [],
            'open_amount': [],
            'currency': [],
            'updated_at': account_mapping.hubspot_property(
                'hs_lastmodifieddate', ['updatedat', 'updated_at', 'last modified date']
            ),
            'is_deleted': ['is_deleted', 'archived'],
            'is_deleted_by_loader': ['_fivetran_deleted'],
            'is_current_version': ['_fivetran_active'],
        },
        required=['source_account_id', ['account_name', 'domain', 'website']],
        required_table=true,
        pass_through=true,
    ) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,
        {{ account_mapping.clean_id('parent_company') }} as parent_company,
        {{ account_mapping.clean_text('merged_source_account_ids') }} as merged_source_account_ids,

        ---------- strings
        {{ account_mapping.clean_id('owner') }} as owner,
        {{ account_mapping.clean_text('account_name') }} as account_name,
        {{ account_mapping.clean_text('website') }} as website,
        {{ account_mapping.clean_text('domain') }} as domain,
        {{ account_mapping.clean_text('additional_domains') }} as additional_domains,
        {{ account_mapping.clean_text('email_domain') }} as email_domain,
        coalesce(
            {{ account_mapping.clean_text('country_code') }}, {{ account_mapping.clean_text('country_name') }}
        ) as country,
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
