with

source as (

    {{ account_mapping.stage_table('partners', 'partner_deals') }}

),

renamed as (

    select
        ---------- ids
        lower(partner_id) as partner_id,
        account_id,
        deal_id,

        ---------- text
        stage,
        is_won as raw_is_won,
        currency,

        ---------- numerics
        amount,

        ---------- dates and timestamps
        opened_on,
        closed_on,
        updated_at,
        extracted_at,

        ---------- flags
        {{ account_mapping.to_boolean('is_won') }} as is_won,
        is_current_version,
        is_deleted,

        ---------- origin
        source_relation,
        source_table,
        notes

    from source

)

select * from renamed
