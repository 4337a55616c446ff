{{ config(enabled=account_mapping.uses_crm('pipedrive')) }}

with

source as (

    {{ account_mapping.stage_table('pipedrive', 'users') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        owner_id,

        ---------- strings
        owner_name,
        owner_email,

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
