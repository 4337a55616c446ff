{{ config(enabled='pipedrive' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns(
        'pipedrive',
        'organizations',
        candidates={
            'source_account_id': ['id'],
            'parent_source_account_id': [],
            'owner': ['owner_id'],
            'owner_name': ['owner_name'],
            'account_name': ['name'],
            'website': [],
            'additional_domains': [],
            'email_domain': [],
            'country_code': ['address_country_code', 'country_code'],
            'country_name': ['address_country'],
            'state': ['address_admin_area_level_1'],
            'city': ['address_locality'],
            'postal_code': ['address_postal_code'],
            'account_type': [],
            'lifecycle_stage': [],
            'status': [],
            'segment': [],
            'industry': [],
            'annual_revenue': [],
            'employee_count': [],
            'lei': [],
            'duns': [],
            'vat_id': [],
            'linkedin_url': [],
            'customer_since': [],
            'open_amount': [],
            'currency': [],
            'updated_at': ['update_time'],
            'is_active': ['active_flag'],
            'deleted_at': ['delete_time'],
            'is_deleted': ['is_deleted'],
        },
        required=['source_account_id', ['account_name', 'website']],
        required_table=true,
        pass_through=true,
    ) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,
        {{ account_mapping.clean_id(
            account_mapping.object_field('parent_source_account_id', ['value', 'id'], otherwise_itself=true)
        ) }}
            as parent_source_account_id,
        {{ account_mapping.clean_id(
            account_mapping.object_field('owner', ['id', 'value'], otherwise_itself=true)
        ) }} as owner_id,

        ---------- strings
        {{ account_mapping.clean_text(
            'coalesce(' ~ account_mapping.object_field('owner', ['name']) ~ ', owner_name)'
        ) }} as owner_name,
        {{ account_mapping.clean_text(account_mapping.object_field('owner', ['email'])) }} as owner_email,
        {{ account_mapping.clean_text('account_name') }} as account_name,
        {{ account_mapping.clean_text('website') }} as website,
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
        not coalesce({{ account_mapping.to_boolean('is_active') }}, true)
        or coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or {{ account_mapping.clean_text('deleted_at') }} is not null as is_deleted,
        true as is_current_version,

        ---------- timestamps
        {{ account_mapping.to_date('customer_since') }} as customer_since,
        {{ account_mapping.to_timestamp('updated_at') }} as updated_at

    from source

)

select * from renamed
