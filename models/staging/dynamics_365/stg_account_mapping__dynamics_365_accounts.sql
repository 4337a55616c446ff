{{ config(enabled=account_mapping.uses_crm('dynamics_365')) }}

with

source as (

    {{ account_mapping.stage_table('dynamics_365', 'account') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_account_id,
        parent_source_account_id,
        merged_into_source_account_id,
        owner_id,
        currency_id,

        ---------- strings
        owner_name,
        account_name,
        website,
        additional_domains,
        coalesce(email_domain, {{ account_mapping.clean_text(dbt.split_part('email', "'@'", 2)) }}) as email_domain,
        country,
        state,
        city,
        postal_code,
        account_type,
        account_type_attribute,
        industry_attribute,
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
