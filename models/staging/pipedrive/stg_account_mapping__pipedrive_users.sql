{{ config(enabled='pipedrive' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('pipedrive', 'users', candidates={
        'owner_id': ['id'],
        'owner_name': ['name'],
        'owner_email': ['email'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('owner_id') }} as owner_id,

        ---------- strings
        {{ account_mapping.clean_text('owner_name') }} as owner_name,
        {{ account_mapping.clean_text('owner_email') }} as owner_email,

        ---------- booleans
        true as is_current_version

    from source

)

select * from renamed
