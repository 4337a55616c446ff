{{ config(enabled=account_mapping.uses_crm('hubspot')) }}

with

source as (

    {{ account_mapping.stage_table('hubspot', ['owner', 'owner_archived']) }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        owner_id,

        ---------- strings
        coalesce(first_name || ' ' || last_name, first_name, last_name) as owner_name,
        owner_email,

        ---------- booleans
        coalesce(is_archived, source_table = 'owner_archived') as is_archived,
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
