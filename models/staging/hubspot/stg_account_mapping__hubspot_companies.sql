{{ config(enabled=account_mapping.uses_crm('hubspot')) }}

with

source as (

    {{ account_mapping.stage_table('hubspot', 'company') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_account_id,
        parent_company,
        merged_source_account_ids,
        owner,

        ---------- strings
        account_name,
        website,
        domain,
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
