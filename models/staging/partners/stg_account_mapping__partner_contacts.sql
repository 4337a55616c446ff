with

source as (

    {{ account_mapping.stage_table('partners', 'partner_contacts') }}

),

renamed as (

    select
        ---------- ids
        lower(partner_id) as partner_id,
        account_id,

        ---------- text
        email,
        job_title,

        ---------- dates and timestamps
        updated_at,
        extracted_at,

        ---------- flags
        is_current_version,
        is_deleted,

        ---------- origin
        source_relation,
        source_table,
        notes

    from source

)

select * from renamed
