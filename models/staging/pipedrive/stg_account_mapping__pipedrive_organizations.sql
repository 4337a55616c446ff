{{ config(enabled='pipedrive' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns(
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
        {{ clean_id('source_account_id') }} as source_account_id,
        {{ clean_id(object_field('parent_source_account_id', ['value', 'id'], otherwise_itself=true)) }}
            as parent_source_account_id,
        {{ clean_id(object_field('owner', ['id', 'value'], otherwise_itself=true)) }} as owner_id,

        ---------- strings
        {{ clean_text('coalesce(' ~ object_field('owner', ['name']) ~ ', owner_name)') }} as owner_name,
        {{ clean_text(object_field('owner', ['email'])) }} as owner_email,
        {{ clean_text('account_name') }} as account_name,
        {{ clean_text('website') }} as website,
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
        not coalesce({{ to_boolean('is_active') }}, true)
        or coalesce({{ to_boolean('is_deleted') }}, false)
        or {{ clean_text('deleted_at') }} is not null as is_deleted,
        true as is_current_version,

        ---------- timestamps
        {{ to_date('customer_since') }} as customer_since,
        {{ to_timestamp('updated_at') }} as updated_at

    from source

)

select * from renamed
