{{ config(enabled=account_mapping.uses_crm('salesforce') and account_mapping.leads_mode() != 'off') }}

with

source as (

    {{ account_mapping.stage_table('salesforce', 'lead') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_lead_id,
        converted_source_account_id,
        owner_id,

        ---------- strings
        emails,
        company,
        website,
        coalesce(country_code, country_name) as country,
        coalesce(state_code, state_name) as state,
        city,
        postal_code,
        owner_name,

        ---------- booleans
        coalesce(is_converted, false) or converted_source_account_id is not null as is_converted,
        is_deleted,
        is_current_version,

        ---------- timestamps
        updated_at,
        extracted_at,

        ---------- what could not be read
        row_problem,
        notes

    from source

)

select * from renamed
