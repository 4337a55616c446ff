{{ config(enabled=account_mapping.uses_crm('generic')) }}

with

source as (

    {{ account_mapping.stage_table('generic', 'accounts') }}

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
        cast(null as {{ dbt.type_string() }}) as owner_id,

        ---------- strings
        owner_name,
        owner_email,
        account_name,
        website,
        additional_domains,
        email_domain,
        country,
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
