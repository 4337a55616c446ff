{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns(
        'hubspot',
        'company',
        candidates={
            'source_account_id': ['id', 'record id', 'record id - company', 'company_id'],
            'parent_company': hubspot_property('hs_parent_company_id', ['parent company id', 'parent company']),
            'merged_source_account_ids': hubspot_property('hs_merged_object_ids', ['merged object ids']),
            'owner': hubspot_property('hubspot_owner_id', ['company owner']),
            'account_name': hubspot_property('name', ['company name']),
            'website': hubspot_property('website', ['website url']),
            'domain': hubspot_property('domain', ['company domain name']),
            'additional_domains': hubspot_property('hs_additional_domains', ['additional domains']),
            'email_domain': [],
            'country_code': hubspot_property('hs_country_code', ['country/region code']),
            'country_name': hubspot_property('country', ['country/region']),
            'state': hubspot_property('state', ['state/region']),
            'city': hubspot_property('city'),
            'postal_code': hubspot_property('zip', ['postal code']),
            'account_type': hubspot_property('type'),
            'lifecycle_stage': hubspot_property('lifecyclestage', ['lifecycle stage']),
            'status': [],
            'segment': [],
            'industry': hubspot_property('industry'),
            'annual_revenue': hubspot_property('annualrevenue', ['annual revenue']),
            'employee_count': hubspot_property('numberofemployees', ['number of employees']),
            'lei': [],
            'duns': [],
            'vat_id': [],
            'linkedin_url': hubspot_property('linkedin_company_page', ['linkedin company page']),
            'customer_since': [],
            'open_amount': [],
            'currency': [],
            'updated_at': hubspot_property(
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
        {{ clean_id('source_account_id') }} as source_account_id,
        {{ clean_id('parent_company') }} as parent_company,
        {{ clean_text('merged_source_account_ids') }} as merged_source_account_ids,

        ---------- strings
        {{ clean_id('owner') }} as owner,
        {{ clean_text('account_name') }} as account_name,
        {{ clean_text('website') }} as website,
        {{ clean_text('domain') }} as domain,
        {{ clean_text('additional_domains') }} as additional_domains,
        {{ clean_text('email_domain') }} as email_domain,
        coalesce({{ clean_text('country_code') }}, {{ clean_text('country_name') }}) as country,
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
