{{ config(enabled='salesforce' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns(
        'salesforce',
        'account',
        candidates={
            'source_account_id': ['id', 'account id'],
            'parent_source_account_id': ['parent_id', 'parentid', 'parent account id'],
            'merged_into_source_account_id': ['master_record_id', 'masterrecordid', 'master record id'],
            'owner_id': ['owner_id', 'ownerid', 'owner id'],
            'owner_name': ['account owner', 'owner name'],
            'owner_email': ['account owner email', 'owner email'],
            'account_name': ['name', 'account name'],
            'website': ['website'],
            'additional_domains': [],
            'email_domain': [],
            'country_code': ['billing_country_code', 'billingcountrycode', 'billing country code'],
            'country_name': ['billing_country', 'billingcountry', 'billing country'],
            'state_code': ['billing_state_code', 'billingstatecode'],
            'state_name': ['billing_state', 'billingstate', 'billing state/province', 'billing state'],
            'city': ['billing_city', 'billingcity', 'billing city'],
            'postal_code': [
                'billing_postal_code', 'billingpostalcode', 'billing zip/postal code', 'billing postal code',
            ],
            'account_type': ['type', 'account type'],
            'lifecycle_stage': [],
            'status': [],
            'segment': [],
            'industry': ['industry'],
            'annual_revenue': ['annual_revenue', 'annualrevenue', 'annual revenue'],
            'employee_count': ['number_of_employees', 'numberofemployees', 'employees', 'number of employees'],
            'lei': [],
            'duns': ['duns_number', 'dunsnumber', 'd-u-n-s number'],
            'vat_id': [],
            'linkedin_url': [],
            'customer_since': [],
            'open_amount': [],
            'currency': ['currency_iso_code', 'currencyisocode', 'account currency'],
            'updated_at': [
                'last_modified_date', 'lastmodifieddate', 'last modified date', 'system_modstamp', 'systemmodstamp',
            ],
            'is_deleted': ['is_deleted', 'isdeleted', 'deleted'],
            'is_deleted_by_loader': ['_fivetran_deleted'],
            'is_current_version': ['_fivetran_active'],
        },
        required=['source_account_id', ['account_name', 'website']],
        required_table=true,
        pass_through=true,
    ) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.salesforce_id_18('source_account_id') }} as source_account_id,
        {{ account_mapping.salesforce_id_18('parent_source_account_id') }} as parent_source_account_id,
        {{ account_mapping.salesforce_id_18('merged_into_source_account_id') }} as merged_into_source_account_id,
        {{ account_mapping.salesforce_id_18('owner_id') }} as owner_id,

        ---------- strings
        {{ account_mapping.clean_text('owner_name') }} as owner_name,
        {{ account_mapping.clean_text('owner_email') }} as owner_email,
        {{ account_mapping.clean_text('account_name') }} as account_name,
        {{ account_mapping.clean_text('website') }} as website,
        {{ account_mapping.clean_text('additional_domains') }} as additional_domains,
        {{ account_mapping.clean_text('email_domain') }} as email_domain,
        coalesce(
            {{ account_mapping.clean_text('country_code') }}, {{ account_mapping.clean_text('country_name') }}
        ) as country,
        coalesce(
            {{ account_mapping.clean_text('state_code') }}, {{ account_mapping.clean_text('state_name') }}
        ) as state,
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
