{{ config(enabled=account_mapping.uses_crm('pipedrive')) }}

with

source as (

    {{ account_mapping.stage_table('pipedrive', 'organizations') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_account_id,
        parent_source_account_id,
        cast(null as {{ dbt.type_string() }}) as merged_into_source_account_id,
        cast(null as {{ dbt.type_string() }}) as merged_source_account_ids,
        {{ account_mapping.clean_id(
            account_mapping.object_field('owner', ['id', 'value'], otherwise_itself=true)
        ) }} as owner_id,

        ---------- strings
        coalesce(
            {{ account_mapping.clean_text(account_mapping.object_field('owner', ['name'])) }}, owner_name
        ) as owner_name,
        {{ account_mapping.clean_text(account_mapping.object_field('owner', ['email'])) }} as owner_email,
        account_name,
        website,
        additional_domains,
        email_domain,
        coalesce(country_code, country_name) as country,
        state,
        city,
        postal_code,
        account_type,
        lifecycle_stage,
        status,
        segment,
        industry,
        lei,
        duns,
        vat_id,
        linkedin_url,
        currency,
        raw_open_amount,
        pass_through,

        ---------- numerics
        annual_revenue,
        employee_count,
        open_amount,

        ---------- booleans
        false as is_person_account,
        is_deleted,
        is_current_version,

        ---------- timestamps
        customer_since,
        updated_at,
        extracted_at,

        ---------- what could not be read
        row_problem,
        notes

    from source

)

select * from renamed
