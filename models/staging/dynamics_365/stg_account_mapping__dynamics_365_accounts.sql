{{ config(enabled='dynamics_365' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns(
        'dynamics_365',
        'account',
        candidates={
            'source_account_id': ['accountid', 'id'],
            'parent_source_account_id': ['parentaccountid', '_parentaccountid_value'],
            'merged_into_source_account_id': ['masterid', '_masterid_value'],
            'owner_id': ['ownerid', '_ownerid_value', 'owninguser'],
            'account_name': ['name'],
            'website': ['websiteurl'],
            'additional_domains': [],
            'email': ['emailaddress1'],
            'email_domain': [],
            'country': ['address1_country'],
            'state': ['address1_stateorprovince'],
            'city': ['address1_city'],
            'postal_code': ['address1_postalcode'],
            'account_type': ['customertypecode'],
            'lifecycle_stage': [],
            'status': [],
            'segment': [],
            'industry': ['industrycode'],
            'annual_revenue': ['revenue'],
            'employee_count': ['numberofemployees'],
            'lei': [],
            'duns': [],
            'vat_id': [],
            'linkedin_url': [],
            'customer_since': [],
            'open_amount': [],
            'currency': ['isocurrencycode'],
            'updated_at': ['modifiedon'],
            'is_deleted': ['is_deleted', 'isdeleted'],
            'is_deleted_by_loader': ['_fivetran_deleted'],
            'is_current_version': ['_fivetran_active'],
        },
        required=['source_account_id', ['account_name', 'website']],
        required_table=true,
        pass_through=true,
        named=['account_type', 'industry'],
    ) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,
        {{ account_mapping.clean_id('parent_source_account_id') }} as parent_source_account_id,
        {{ account_mapping.clean_id('merged_into_source_account_id') }} as merged_into_source_account_id,
        {{ account_mapping.clean_id('owner_id') }} as owner_id,

        ---------- strings
        {{ account_mapping.clean_text('account_name') }} as account_name,
        {{ account_mapping.clean_text('website') }} as website,
        {{ account_mapping.clean_text('additional_domains') }} as additional_domains,
        coalesce(
            {{ account_mapping.clean_text('email_domain') }},
            {{ account_mapping.clean_text(dbt.split_part('email', "'@'", 2)) }}
        ) as email_domain,
        {{ account_mapping.clean_text('country') }} as country,
        {{ account_mapping.clean_text('state') }} as state,
        {{ account_mapping.clean_text('city') }} as city,
        {{ account_mapping.clean_id('postal_code') }} as postal_code,
        {{ account_mapping.clean_id('account_type') }} as account_type,
        account_type_attribute,
        {{ account_mapping.clean_text('lifecycle_stage') }} as lifecycle_stage,
        {{ account_mapping.clean_text('status') }} as status,
        {{ account_mapping.clean_text('segment') }} as segment,
        {{ account_mapping.clean_id('industry') }} as industry,
        industry_attribute,
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
