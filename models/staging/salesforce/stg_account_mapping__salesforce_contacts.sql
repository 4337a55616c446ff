{{ config(enabled=account_mapping.uses_crm('salesforce')) }}

with

source as (

    {{ account_mapping.stage_table('salesforce', 'contact') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_contact_id,
        source_account_id,
        merged_into_source_contact_id,
        cast(null as {{ dbt.type_string() }}) as merged_source_contact_ids,

        ---------- strings
        emails,
        {% if var('account_mapping__people') -%}
        job_title,
        {% endif %}

        ---------- booleans
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
